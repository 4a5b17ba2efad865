/*
 * Runs a fuzz target over files, for compilers without libFuzzer and to repeat
 * a finding:  fuzz_msg-replay t/torture/rfc4475/wsinv.dat ...
 */
#include "fuzz.h"

enum { MAX_BYTES = 1 << 20 };

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return -1;
	}
	uint8_t *room = malloc(MAX_BYTES);
	size_t n = fread(room, 1, MAX_BYTES, f);
	fclose(f);
	/* Exactly as large as the input, so that sanitizers see what lies behind it. */
	uint8_t *exact = realloc(room, n ? n : 1);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;
	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]) < 0;
	printf("%d inputs\n", argc - 1);
	return failed;
}
