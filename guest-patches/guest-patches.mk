# The guest kernel with our patches; not part of all: it takes ten minutes.

guest-kernel:
	@guest-patches/build.sh $(BUILD)

.PHONY: guest-kernel
