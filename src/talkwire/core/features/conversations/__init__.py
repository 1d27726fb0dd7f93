"""Features about conversations: creating and changing them, members, invitations, moderation, notices (joins, leaves
and other happenings), and which users may call each other."""
