"""The colours of Discord's dark theme, and the typefaces that stand in for its own."""

CHAT = "#313338"
PANEL = "#2b2d31"
FIELD = "#1e1f22"
LINE = "#3f4147"
TEXT = "#dbdee1"
HEADING = "#f2f3f5"
MUTED = "#949ba4"
LINK = "#00a8fc"
MENTION, MENTION_GROUND = "#c9cdfb", "#3e4372"
TIME_GROUND = "#3f4248"
PRIVATE_GROUND = "#343641"
BLURPLE = "#5865f2"
BUTTONS = {1: BLURPLE, 2: "#4e5058", 3: "#248046", 4: "#da373c"}
"""By Discord's number for the style of a button."""
AVATARS = ("#3ba55d", "#eb459e", "#e67e22", "#1abc9c", "#9b59b6")

SANS = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
MONO = "Consolas, Menlo, DejaVu Sans Mono, monospace"
EMOJI = "Apple Color Emoji, Segoe UI Emoji, Noto Color Emoji, sans-serif"
