"""The OpenTravel payload codec: messages to events, commands to messages. Dialects differ by profile and framing."""
