"""One virtual environment for several tox environments.

tox notes in each virtual environment which tox environment it belongs to, and builds it anew for another one, even
where `env_dir` is the same. An environment with `runner = shared` notes the name of the folder instead. Everything else
is compared as always: where Python, the pinned torch or a dependency changed, tox installs what is new or builds the
environment again. Environments that share a folder must therefore ask for the same dependencies.
"""

from tox.plugin import impl
from tox.tox_env.info import Info
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner


class SharedInfo(Info):
    """What tox remembers about a virtual environment, which belongs to its folder."""

    def compare(self, value, section, sub_section=None):
        if section == "ToxEnv":
            value = {**value, "name": self._path.parent.name}
        return super().compare(value, section, sub_section)


class SharedEnvRunner(VirtualEnvRunner):
    """A virtual environment that takes part in `env_dir` with others of its kind."""

    @staticmethod
    def id():
        return "shared"

    @property
    def cache(self):
        return SharedInfo(self.env_dir)


@impl
def tox_register_tox_env(register):
    register.add_run_env(SharedEnvRunner)
