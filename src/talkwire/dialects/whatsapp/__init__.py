"""The whatsapp dialect: a messenger that is shaped like WhatsApp."""
