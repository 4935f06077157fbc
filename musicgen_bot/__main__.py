"""Where the bot begins: `musicgen-bot`, `python bot.py` and `python -m musicgen_bot` alike."""

from __future__ import annotations

from musicgen_bot.process import leave_at_once, let_waiting_threads_sleep


def main() -> None:
    """Run the command line, which takes its time to load: a signal is heard before that."""
    leave_at_once()
    let_waiting_threads_sleep()
    from musicgen_bot.cli import main as run_command

    run_command()


if __name__ == "__main__":
    main()
