"""What every page of the desk needs: sign-in, access, audit, templates."""
