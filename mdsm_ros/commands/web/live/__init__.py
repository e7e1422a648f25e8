"""The *Live* page: watches a running node of this machine."""
