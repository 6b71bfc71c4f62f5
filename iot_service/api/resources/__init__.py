"""One file per resource under ``/v1``; each hands over to a stage and says in JSON what came back."""
