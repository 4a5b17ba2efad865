-- All defaults, but what the run chose, and no line for each message.
return {
	auth = { cache_size = tonumber(os.getenv "BENCH_CREDENTIALS") },
	tm = { max_transactions = tonumber(os.getenv "BENCH_MAX_TRANSACTIONS") },
	usrloc = { db_mode = tonumber(os.getenv "BENCH_DB_MODE") },
	log = { level = os.getenv "BENCH_LOG" or "error" },
}
