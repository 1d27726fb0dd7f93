"""Payloads of mutes and bans, reports and the audit log."""
