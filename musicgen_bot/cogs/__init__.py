"""The commands, the buttons' presses and the forms, by what they are about."""
