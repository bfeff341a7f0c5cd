"""Other tools' files: results written for them, and theirs read into a run of ours."""
