"""Everything that can go wrong, as one tree.

    MusicgenBotError
      PersonError             people are told of it, in their language
        RequestError          a person asked for something that cannot be
          InvalidRequest      the prompt, length or seed itself is wrong
          LimitReached        it would be fine, but not now, or not here
        GenerationError       the machine could not make this clip
          OutOfMemory         the device has no memory left
          UnusableSound       what came out is silence, or not a sound at all
          AudioError          ffmpeg or a file failed
            SystemBusy        the system has no file, memory or process left for now
      HostError               the host has to change something
        ConfigError           a setting is wrong or missing
        ModelError            the model cannot be found, read or used
        MachineError          the model worked, stopped working, and did not come back
        StoreError            the database cannot be opened, read or written
        DiscordError          Discord refuses the token or cannot be reached

The text of every one is a sentence that may be shown to the person it concerns: it says what to do
instead, and holds no secret, path of code or traceback. On the terminal and in the log it is
English.
"""

from musicgen_bot.translations import Text, Value


class MusicgenBotError(Exception):
    """Base of every error this project raises on purpose."""


class PersonError(MusicgenBotError):
    """An error that people are told of, each in their own language.

    Made of an English sentence and the values that go into it, or of a Text that holds both.
    """

    def __init__(self, english: str | Text, /, **values: Value) -> None:
        self.text = english if isinstance(english, Text) else Text(english, **values)
        super().__init__(str(self.text))


class RequestError(PersonError):
    """A person asked for something that cannot be."""


class InvalidRequest(RequestError):
    """The prompt, the length, the seed or another option is not one that can be used."""


class LimitReached(RequestError):
    """The request is sound, but a limit stands in its way; the text says which, and until when."""


class GenerationError(PersonError):
    """The machine could not make this clip."""


class OutOfMemory(GenerationError):
    """The device ran out of memory."""


class UnusableSound(GenerationError):
    """The clip is silent, or holds numbers that are no sound."""


class AudioError(GenerationError):
    """A sound file could not be written or read."""


class SystemBusy(AudioError):
    """The system has no file, memory or process left; that passes by itself."""


class HostError(MusicgenBotError):
    """The host has to change something before the bot can run."""


class ConfigError(HostError):
    """A setting is missing or wrong."""


class ModelError(HostError):
    """The model cannot be found, read, or used on this machine."""


class MachineError(HostError):
    """The model has stopped working and does not come back in this process."""


class StoreError(HostError):
    """The database cannot be opened, read or written."""


class DiscordError(HostError):
    """Discord refuses the token, or cannot be reached."""
