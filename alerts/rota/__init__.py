"""Calls of people: rotas, escalation policies, and the steps of an escalation.  Pure: no clock, no database."""
