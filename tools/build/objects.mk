# What the builder is made of; tests/build builds the same objects again.

# Without input or output.
PVBUILD_PURE := $(addprefix tools/build/,kernel.o notes.o layout.o tables.o \
	runs.o sha256.o)
PVBUILD_HOST := $(addprefix tools/build/,build.o memory.o kernel_file.o \
	cache.o shelf.o)
PVBUILD_UNPACK := tools/image/bzimage.o tools/image/unpack.o
PVBUILD_LIBS := -lz -llzma -llz4 -lzstd
