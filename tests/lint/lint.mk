# The rules of the house, and the proof that each of them fires.

lint:
	tests/lint/lint

TESTS += tests/lint/selftest@120
