"""What must hold: the properties of a hand-in (homework/) and of this project itself (suite/)."""
