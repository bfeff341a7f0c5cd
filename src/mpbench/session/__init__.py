"""The controller: puts harness, sampler, environment and store together."""
