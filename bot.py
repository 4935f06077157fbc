"""Start the bot from a checkout: the same as the `musicgen-bot` command."""

from musicgen_bot.__main__ import main

if __name__ == "__main__":
    main()
