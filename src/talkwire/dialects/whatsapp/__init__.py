"""The `whatsapp` dialect: a messenger in the style of WhatsApp."""
