@echo off
rem Packs hw3\, mytorch\ and, where there is one, answers.toml into handin.tar, with the tar of Windows 10 and newer.
rem Run it in the folder that holds them.
setlocal
set "missing="
if not exist mytorch\ set "missing=mytorch"
if not exist hw3\ set "missing=hw3"
if defined missing goto elsewhere

set "packed=hw3 mytorch"
if exist answers.toml set "packed=hw3 mytorch answers.toml"
if not exist answers.toml echo There is no answers.toml here, so the quiz gets no points.
tar -ch -f handin.tar --exclude=__pycache__ --exclude=*.pyc --exclude=.DS_Store %packed%
if errorlevel 1 goto failed
echo handin.tar holds: %packed%
exit /b 0

:elsewhere
>&2 echo create_tarball.bat: there is no %missing%\ in "%CD%"; run this in the folder that holds hw3\ and mytorch\
exit /b 1

:failed
>&2 echo create_tarball.bat: tar could not write handin.tar
exit /b 1
