"""What every command needs: who acts, how they are answered, in which language."""
