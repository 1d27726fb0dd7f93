"""The `whatsapp` dialect: the Socket.IO events for clients of a messenger in the style of WhatsApp."""
