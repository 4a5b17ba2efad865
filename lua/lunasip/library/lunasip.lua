---@meta lunasip
-- For editors, made of lua/lunasip/api.lua by `make doc`. luacheck: ignore

---@alias lunasip.Level "L_ERR"|"L_WARN"|"L_NOTICE"|"L_INFO"|"L_DBG"

---@class lunasip.Address
---@field ip string
---@field port integer

---@class lunasip.HeaderField
---@field name string
---@field value string

---@class lunasip.BranchOptions
---@field q? number
---@field next_hop? string
---@field path? string

---@class lunasip.ChallengeOptions
---@field qop? boolean
---@field stale? boolean
---@field algorithms? ("SHA-256"|"MD5")[]

---@class lunasip.Uri
---@field scheme string
---@field user? string
---@field password? string
---@field host? string
---@field port? integer
---@field params? table<string, string|true>
---@field headers? string
---@field opaque? string

---Lives as long as its transaction; used later it raises, and never crashes. What is read is the message as received; what is changed shows in what is sent.
---@class lunasip.Request
---@field auth_user string? The user who was authorized.
---@field ruri string The Request-URI as it is now. What is no URI raises.
---@field original_ruri string The Request-URI as it was received.
---@field next_hop string? Where it will be sent, if not where Route and Request-URI say. A branch takes a SIP URI only; nil takes it back.
---@field cancelled boolean The caller has cancelled it.
---@field status integer? The status of the best answer; nil outside the failure handler.
---@field reason string? Its reason phrase.
---@field method string `"INVITE"`; of a reply the method in CSeq.
---@field from string The URI in From.
---@field to string The URI in To.
---@field ruri_user string? The user part of the Request-URI without escapes, to compare with: `%30%30` is `00`.
---@field from_user string? The same of From.
---@field to_user string? The same of To.
---@field from_tag string? The tag of From.
---@field to_tag string? The tag of To.
---@field call_id string The Call-ID.
---@field cseq integer The number in CSeq.
---@field max_forwards integer? Max-Forwards as received.
---@field body string? The body.
---@field source lunasip.Address `{ ip =, port = }`: where it came from.
---@field socket lunasip.Address `{ ip =, port = }`: the address of ours that it came to.
---@field vars table<any, any> A table for the script's own use. It lives as long as the transaction, and all its handlers have it.
local Request = {}

---Checks the credentials in Authorization. ACK and CANCEL pass: they cannot be challenged, and `auth_user` stays nil. RFC 3261 22, 7616.
---@param realm? string what the digest is for; `""` (the default) is the host of To (`www_`) or From (`proxy_`) if it is one of ours, else our first domain
---@param table? string the table of subscribers; `"subscriber"`
---@return boolean
---@return string? why
function Request:www_authorize(realm, table) end

---The same with Proxy-Authorization. RFC 3261 22.3, 7616.
---@param realm? string what the digest is for; `""` (the default) is the host of To (`www_`) or From (`proxy_`) if it is one of ours, else our first domain
---@param table? string the table of subscribers; `"subscriber"`
---@return boolean
---@return string? why
function Request:proxy_authorize(realm, table) end

---Answers 401 with a challenge. When the last refusal was `"db"` it answers 503 with Retry-After instead, and 400 when it was `"malformed"`: to ask again would not help. RFC 3261 22.2, 7616, 8760.
---@param realm? string what the digest is for; `""` (the default) is the host of To (`www_`) or From (`proxy_`) if it is one of ours, else our first domain
---@param qop? "0"|"1"|"auth"|lunasip.ChallengeOptions `"1"` (the default) offers qop, with which a captured answer serves only once; `"0"` does not; or a table `{ qop = true, stale = false, algorithms = { "SHA-256", "MD5" } }` (default: MD5 alone)
---@return boolean
---@return string? why
function Request:www_challenge(realm, qop) end

---The same with 407 and Proxy-Authenticate. RFC 3261 22.3, 7616, 8760.
---@param realm? string what the digest is for; `""` (the default) is the host of To (`www_`) or From (`proxy_`) if it is one of ours, else our first domain
---@param qop? "0"|"1"|"auth"|lunasip.ChallengeOptions `"1"` (the default) offers qop, with which a captured answer serves only once; `"0"` does not; or a table `{ qop = true, stale = false, algorithms = { "SHA-256", "MD5" } }` (default: MD5 alone)
---@return boolean
---@return string? why
function Request:proxy_challenge(realm, qop) end

---The URI in To is that of the user who was authorized. RFC 3261 10.3 step 5.
---@return boolean
---@return string? why
function Request:check_to() end

---The URI in From is that of the user who was authorized.
---@return boolean
---@return string? why
function Request:check_from() end

---Removes the header field that authorized the request, and no other, from what is sent on.
---@return boolean
---@return string? why
function Request:consume_credentials() end

---One of `settings.usrloc.peers` sent it and let it through, so it need not be asked again: it comes from that address, and on top is a Record-Route with the proof that only a proxy with our `auth.secret` (or database) can make for this Call-ID, caller and callee. So a peer has to `record_route` what it lets through.
---Gives true or false.
---@return boolean
function Request:from_peer() end

---Does what a REGISTER asks, and answers it: 200 with all bindings, or why not. RFC 3261 10.3, 3327, 5626.
---@param table? "location"|"aliases" `"location"`, the default, or `"aliases"`
---@return boolean?
---@return string? why
function Request:save(table) end

---The phones of the user in the Request-URI become the targets: the one with the best q is the Request-URI, the others are branches. With `"aliases"` the Request-URI is rewritten to where the alias leads. RFC 3261 16.5.
---@param table? "location"|"aliases" `"location"`, the default, or `"aliases"`
---@return boolean?
---@return string? why
function Request:lookup(table) end

---The URI names this proxy: an address it listens on, or one of `settings.aliases`.
---Gives true or false.
---@param uri? string instead of the Request-URI
---@return boolean
function Request:is_myself(uri) end

---Follows the Route header fields and takes ours away: true when they say where the request goes. RFC 3261 16.4, 16.12.
---Gives true or false.
---@return boolean
function Request:loose_route() end

---After `loose_route`: the dialog began through this proxy. Our Record-Route holds a proof (`;dialog=`: when that was, and a keyed hash over it, Call-ID, the caller's tag, caller and callee) that has come back in Route, from one of the two, within `settings.rr.dialog_max_age`. A To tag, or a Route that somebody made up, does not count. Where the request goes is not part of it: who was called may send in the dialog wherever his Request-URI says.
---Gives true or false.
---@return boolean
function Request:in_dialog() end

---To has a tag: the request says that it is in a dialog. Anybody can say so: see `in_dialog`. RFC 3261 12.2.
---Gives true or false.
---@return boolean
function Request:has_totag() end

---Asks to stay in the way of the dialog. RFC 3261 16.6 step 4.
---Gives true; false the second time.
---@return boolean
function Request:record_route() end

---Sends the request to its targets. It keeps the transaction: retransmissions are absorbed, an INVITE is answered 100. True: at least one branch is on its way. RFC 3261 16.6, 16.7, 17, RFC 5393, RFC 6026.
---@param next_hop? string `"192.0.2.1"`, `"192.0.2.1:5070"`, `"host"` or `"sip:…"`: send it there, whatever the Request-URI says
---@return boolean
---@return string? why
function Request:t_relay(next_hop) end

---One more target for `t_relay`. RFC 3261 16.5.
---@param uri string its Request-URI
---@param options? lunasip.BranchOptions `{ q = 0.5, next_hop = "192.0.2.1", path = "<sip:…>" }`: 0 to 1; where to send it; Path values, put as Route
---@return boolean
---@return string? why
function Request:append_branch(uri, options) end

---Says early what `t_relay` would refuse. `t_relay` itself counts down, or begins with `max` when the request does not say. RFC 3261 16.3 step 3.
---@param max? integer 1 to 255; 70
---@return boolean
---@return string? why
function Request:mf_process_maxfwd_header(max) end

---This function instead of the script's `reply` handler, for this request. Repetitions of a 2xx that it left as it was go up without it. RFC 6026.
---@param handler fun(rpl: lunasip.Reply)|nil a function, or nil: none
---@return true
function Request:t_on_reply(handler) end

---This function instead of the script's `failure` handler, for this request. A failure handler that wants to run again calls it again.
---@param handler fun(req: lunasip.Request)|nil a function, or nil: none
---@return true
function Request:t_on_failure(handler) end

---This function instead of the script's `branch` handler, for this request.
---@param handler fun(br: lunasip.Branch): boolean?|nil a function, or nil: none
---@return true
function Request:t_on_branch(handler) end

---Answers, statelessly if nothing has to be remembered; never an ACK. From 180 on it has a To tag. RFC 3261 8.2.6, 8.2.7, 16.11.
---@param code integer 100 to 699
---@param reason? string up to 256 bytes; what RFC 3261 calls it
---@param headers? string|string[] a header line, or a list of them
---@return boolean
---@return string? why
function Request:sl_send_reply(code, reason, headers) end

---Answers what the last refusal of a primitive means; 500 if there was none.
---@return boolean
---@return string? why
function Request:sl_reply_error() end

---A header field as received. RFC 3261 7.3.
---Gives the value of that header field, or nil.
---@param name string long or short form, in any case
---@param n? integer which one: 1, the default, is the first, -1 the last
---@return string?
function Request:header(name, n) end

---Header fields as received.
---Gives a list of all values; without a name a list of `{ name =, value = }` of the whole message.
---@param name? string long or short form, in any case
---@return string[]|lunasip.HeaderField[]
function Request:headers(name) end

---Adds a header field to what is sent.
---@param line string `"Name: value"`, with CRLF or without
---@return true
function Request:append_hf(line) end

---Removes all header fields of that name from what is sent.
---Gives true and how many.
---@param name string long or short form, in any case
---@return boolean
---@return integer|string
function Request:remove_hf(name) end

---Looks in the whole message as received. Case is ignored, `^` is the begin of a line. It takes some 10 ms at most, whatever the pattern and the message.
---@param pattern string a Perl regular expression, up to 4096 bytes
---@return boolean?
---@return string? why
function Request:search(pattern) end

---Sets a flag of the transaction.
---@param n integer 0 to 31
---@return true
function Request:setflag(n) end

---Takes it away.
---@param n integer 0 to 31
---@return true
function Request:resetflag(n) end

---Is it set?
---Gives true or false.
---@param n integer 0 to 31
---@return boolean
function Request:isflagset(n) end

---A line in the log. A constant format is read when the script is loaded.
---Gives nothing.
---@param level? lunasip.Level `"L_ERR"`, `"L_WARN"`, `"L_NOTICE"` (the default), `"L_INFO"`, `"L_DBG"`
---@param format string text with pseudo-variables
---@overload fun(self: lunasip.Request, format: string)
function Request:xlog(level, format) end

---A reply that arrived. It lives as long as its handler runs.
---@class lunasip.Reply
---@field branch_ruri string The Request-URI of the branch that this answers.
---@field request lunasip.Request The request that this belongs to.
---@field status integer 100 to 699
---@field reason string The reason phrase.
---@field method string `"INVITE"`; of a reply the method in CSeq.
---@field from string The URI in From.
---@field to string The URI in To.
---@field from_tag string? The tag of From.
---@field to_tag string? The tag of To.
---@field call_id string The Call-ID.
---@field cseq integer The number in CSeq.
---@field body string? The body.
---@field source lunasip.Address `{ ip =, port = }`: where it came from.
---@field socket lunasip.Address `{ ip =, port = }`: the address of ours that it came to.
---@field vars table<any, any> A table for the script's own use. It lives as long as the transaction, and all its handlers have it.
local Reply = {}

---A header field as received. RFC 3261 7.3.
---Gives the value of that header field, or nil.
---@param name string long or short form, in any case
---@param n? integer which one: 1, the default, is the first, -1 the last
---@return string?
function Reply:header(name, n) end

---Header fields as received.
---Gives a list of all values; without a name a list of `{ name =, value = }` of the whole message.
---@param name? string long or short form, in any case
---@return string[]|lunasip.HeaderField[]
function Reply:headers(name) end

---Adds a header field to what is sent.
---@param line string `"Name: value"`, with CRLF or without
---@return true
function Reply:append_hf(line) end

---Removes all header fields of that name from what is sent.
---Gives true and how many.
---@param name string long or short form, in any case
---@return boolean
---@return integer|string
function Reply:remove_hf(name) end

---Looks in the whole message as received. Case is ignored, `^` is the begin of a line. It takes some 10 ms at most, whatever the pattern and the message.
---@param pattern string a Perl regular expression, up to 4096 bytes
---@return boolean?
---@return string? why
function Reply:search(pattern) end

---Sets a flag of the transaction.
---@param n integer 0 to 31
---@return true
function Reply:setflag(n) end

---Takes it away.
---@param n integer 0 to 31
---@return true
function Reply:resetflag(n) end

---Is it set?
---Gives true or false.
---@param n integer 0 to 31
---@return boolean
function Reply:isflagset(n) end

---A line in the log. A constant format is read when the script is loaded.
---Gives nothing.
---@param level? lunasip.Level `"L_ERR"`, `"L_WARN"`, `"L_NOTICE"` (the default), `"L_INFO"`, `"L_DBG"`
---@param format string text with pseudo-variables
---@overload fun(self: lunasip.Reply, format: string)
function Reply:xlog(level, format) end

---A copy of a request that is about to leave. It lives as long as its handler runs.
---@class lunasip.Branch
---@field ruri string The Request-URI of this branch.
---@field next_hop string? Where it will be sent, if not where Route and Request-URI say. A branch takes a SIP URI only; nil takes it back.
---@field request lunasip.Request The request that this belongs to.
---@field method string `"INVITE"`; of a reply the method in CSeq.
---@field from string The URI in From.
---@field to string The URI in To.
---@field call_id string The Call-ID.
---@field vars table<any, any> A table for the script's own use. It lives as long as the transaction, and all its handlers have it.
local Branch = {}

---A header field as received. RFC 3261 7.3.
---Gives the value of that header field, or nil.
---@param name string long or short form, in any case
---@param n? integer which one: 1, the default, is the first, -1 the last
---@return string?
function Branch:header(name, n) end

---Header fields as received.
---Gives a list of all values; without a name a list of `{ name =, value = }` of the whole message.
---@param name? string long or short form, in any case
---@return string[]|lunasip.HeaderField[]
function Branch:headers(name) end

---Adds a header field to what is sent.
---@param line string `"Name: value"`, with CRLF or without
---@return true
function Branch:append_hf(line) end

---Removes all header fields of that name from what is sent.
---Gives true and how many.
---@param name string long or short form, in any case
---@return boolean
---@return integer|string
function Branch:remove_hf(name) end

---Looks in the whole message as received. Case is ignored, `^` is the begin of a line. It takes some 10 ms at most, whatever the pattern and the message.
---@param pattern string a Perl regular expression, up to 4096 bytes
---@return boolean?
---@return string? why
function Branch:search(pattern) end

---Sets a flag of the transaction.
---@param n integer 0 to 31
---@return true
function Branch:setflag(n) end

---Takes it away.
---@param n integer 0 to 31
---@return true
function Branch:resetflag(n) end

---Is it set?
---Gives true or false.
---@param n integer 0 to 31
---@return boolean
function Branch:isflagset(n) end

---A line in the log. A constant format is read when the script is loaded.
---Gives nothing.
---@param level? lunasip.Level `"L_ERR"`, `"L_WARN"`, `"L_NOTICE"` (the default), `"L_INFO"`, `"L_DBG"`
---@param format string text with pseudo-variables
---@overload fun(self: lunasip.Branch, format: string)
function Branch:xlog(level, format) end

---@class lunasip.Settings
---@field listen? string[] where to listen: "udp:ADDR:PORT" or "udp:ADDR:PORT advertise HOST"; default {}
---@field aliases? string[] names that are this proxy too: "example.org", "example.org:5060"; default {}
---@field store? string database: memory:, sqlite:PATH, mysql://user:password@host:port,…/database; default "memory:"
---@field control? string path of the control socket (lunactl stats); empty: none; default ""
---@field workers? integer threads that serve (-w); 0: one for each processor; default 0
---@field server? string value of the Server header field in own replies; empty: none; default "lunasip"
---@field usrloc? lunasip.Settings.usrloc
---@field db? lunasip.Settings.db
---@field registrar? lunasip.Settings.registrar
---@field auth? lunasip.Settings.auth
---@field log? lunasip.Settings.log
---@field rr? lunasip.Settings.rr
---@field tm? lunasip.Settings.tm
---@field script? lunasip.Settings.script

---@class lunasip.Settings.usrloc
---@field db_mode? integer 0 memory only, 1 write-through, 2 write-back, 3 database only; default 1
---@field timer_interval? integer how often db_mode 2 writes and expired rows are removed; default 60 s
---@field use_domain? boolean an address-of-record is user@domain, not the user alone; default false
---@field cache_ttl? integer db_mode 1 with other writers: the table is asked again after so long; 0: there are none; default 0 s
---@field cache_size? integer addresses-of-record that are kept meanwhile; default 100000
---@field peers? string[] proxies of our database, "udp:ADDR:PORT": their phones are called through them; default {}

---@class lunasip.Settings.db
---@field timeout? integer how long a request waits for the database; then 503; default 3000 ms
---@field max_parked? integer requests that wait for the database; beyond it 503 at once; default 5000

---@class lunasip.Settings.registrar
---@field default_expires? integer when the phone asks for no time; default 3600 s
---@field min_expires? integer shorter registrations are answered 423; default 60 s
---@field max_expires? integer longer registrations are shortened; default 86400 s
---@field max_contacts? integer bindings of one address-of-record; default 10
---@field replace_oldest? boolean at max_contacts the oldest binding gives way; else 503; default false
---@field path? boolean Path (RFC 3327) is kept and obeyed; default true

---@class lunasip.Settings.auth
---@field nonce_expire? integer how long a nonce is good; default 300 s
---@field use_domain? boolean the subscriber's domain must be the realm; default false
---@field calculate_ha1? boolean the plain password column may be used; default true
---@field secret? string key of the nonces, equal in a fleet; empty: made once and kept in the store; default ""
---@field max_nonces? integer nonces whose use is remembered; default 1000000
---@field cache_size? integer subscribers whose rows are kept in memory; 0: none; default 100000
---@field cache_ttl? integer how long they are kept; a wrong password looks again at once; default 300 s

---@class lunasip.Settings.log
---@field level? "error"|"warning"|"notice"|"info"|"debug" the least important level that is logged; default "notice"
---@field colour? "auto"|"always"|"never" colours of xlog; auto: when the log is a terminal; default "auto"
---@field trace? string file that every message is recorded in (lunactl ladder); empty: none; default ""
---@field trace_max? integer the trace ends when its file is so long; default 64 MiB

---@class lunasip.Settings.rr
---@field enable_full_lr? boolean Record-Route says ";lr=on", not ";lr"; default true
---@field dialog_max_age? integer how long our Record-Route proves a dialog (in_dialog); 0: for ever; default 86400 s

---@class lunasip.Settings.tm
---@field t1? integer T1 of RFC 3261: round-trip time estimate; default 500 ms
---@field t2? integer T2: longest interval of retransmissions; default 4000 ms
---@field t4? integer T4: how long a message stays in the network; default 5000 ms
---@field timer_c? integer Timer C: INVITE branches without a sign of life; default 185 s
---@field ring_max? integer the longest a call may ring; default 600 s
---@field max_transactions? integer beyond it new requests get 503; default 1000000
---@field max_memory? integer likewise, what the messages of transactions take; default 1024 MiB

---@class lunasip.Settings.script
---@field instructions? integer Lua instructions a message may take; default 1000000
---@field memory? integer memory of the Lua state; default 256 MiB
---@field generations? integer how many versions of the script may live at once; default 128

---What a script returns.
---@class lunasip.Script
---@field settings? lunasip.Settings
---@field request fun(req: lunasip.Request) Each new request, and the ACK of an answered call. Retransmissions, CANCEL and the ACK of a refused call never get here. An error answers 500 and logs a traceback.
---@field reply? fun(rpl: lunasip.Reply) Each reply that arrives from the network for a request that was relayed, 100 included; not those made here. May change what goes upstream. Must not wait.
---@field failure? fun(req: lunasip.Request) All branches failed, and the caller has not cancelled: `req.status` and `req.reason` are the best answer. Relay again, reply, or let be: then that answer goes upstream. Once, unless it calls `t_on_failure`.
---@field branch? fun(br: lunasip.Branch): boolean? A copy of the request is about to leave. What it changes, only this copy has. A handler that fails drops its branch. Must not wait.

---@class lunasip.Store
local Store = {}

---Creates the tables that are missing.
---@return true
function Store:create() end

---Are all tables there, in a version we know?
---@return true
function Store:check() end

---`{ username =[, domain =, password =, ha1 =, ha1b =, ha1_sha256 =] }`
---@param row table
---@return true
function Store:subscriber_add(row) end

---The same for one that is there.
---@param row table
---@return true
function Store:subscriber_set(row) end

---Removes one.
---@param username string
---@param domain? string
---@return true
function Store:subscriber_remove(username, domain) end

---All of them.
---Gives a list of rows.
---@return table[]?
function Store:subscriber_list() end

---Where phones registered.
---Gives a list of rows.
---@param table? string `"location"`
---@return table[]?
function Store:bindings(table) end

---`{ username =, contact =, … }`
---@param table string
---@param row table
---@return true
function Store:binding_add(table, row) end

---Removes one.
---@param table string
---@param ruid string
---@return true
function Store:binding_remove(table, ruid) end

---Closes it.
---Gives nothing.
function Store:close() end

local lunasip = {}

---A line in the log, about the message whose handler runs; outside handlers pseudo-variables are `<null>`.
---Gives nothing.
---@param level? lunasip.Level `"L_ERR"`, `"L_WARN"`, `"L_NOTICE"` (the default), `"L_INFO"`, `"L_DBG"`
---@param format string text with pseudo-variables
---@overload fun(format: string)
function lunasip.xlog(level, format) end

---Takes a URI apart. RFC 3261 19.1.
---Gives a table of its parts as written: `{ scheme =, user =, password =, host =, port =, params = { name = value or true }, headers = }`; of another scheme than sip and sips `{ scheme =, opaque = }`.
---@param text string a URI, without `<>`
---@return lunasip.Uri?
---@return string? why
function lunasip.uri(text) end

---Opens a database. Its calls block: they are not for routes.
---Gives a store.
---@param url string as in the setting `store`
---@return lunasip.Store?
---@return string? why
function lunasip.store(url) end

---The hash of a password that a subscriber row holds. RFC 7616 3.4.2.
---Gives hex digits.
---@param algorithm "MD5"|"SHA-256"
---@param user string
---@param realm string
---@param password string
---@return string
function lunasip.ha1(algorithm, user, realm, password) end

---What a phone computes. RFC 7616 3.4.1.
---Gives the response of a client.
---@param what table `{ method =, uri =, username =, realm =, nonce =, password =[, qop =, nc =, cnonce =, algorithm =] }`
---@return string
function lunasip.digest(what) end

---Asks a running proxy over its control socket.
---Gives the answer.
---@param path string of the socket
---@param command string `"stats"`
---@return string?
---@return string? why
function lunasip.control(path, command) end

---Takes a text out of the arguments of the program, which everybody on the machine can see.
---Gives nothing.
---@param text string a secret
function lunasip.hide(text) end

---What `lunasip.testkit` stands on: use that ([testing-routes.md](testing-routes.md)).
---Gives a virtual world.
---@param options table
---@return any
---@return string? why
function lunasip.sim(options) end

---Which lines scripts walked in virtual worlds; `lunactl test --coverage` makes a report of it.
---Gives `{ [path] = { [line] = times } }`.
---@param on? boolean true: from now on
---@return table<string, table<integer, integer>>
function lunasip.coverage(on) end

---What C binds, for the gate that holds it against this page.
---Gives a table.
---@return table
function lunasip.bindings() end

lunasip.db = {}

---Asks the proxy's own database (the setting `store`); only this route waits.
---Gives a list of rows, tables by column name (NULL is left out), and how many rows a change changed.
---@param sql string one statement, up to 64 KiB, with `?` where the arguments go
---@param ... string|number|boolean|nil up to 64 arguments, bound: never put into the text
---@return table<string, string|number>[]?
---@return integer|string
function lunasip.db.query(sql, ...) end

return lunasip
