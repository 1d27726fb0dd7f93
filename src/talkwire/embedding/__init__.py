"""What an application that has Talkwire within itself says and asks."""
