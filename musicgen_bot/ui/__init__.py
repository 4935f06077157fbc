"""What people see in Discord: messages, embeds, buttons and forms; and who acts on them."""
