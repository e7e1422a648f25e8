"""The *Live* page: a running node of this machine."""
