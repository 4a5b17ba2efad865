#include "net/addr.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* An IPv4-mapped IPv6 address becomes the IPv4 address it stands for. */
static void unmap(struct addr *a)
{
	if (a->family != 6 || memcmp(a->ip, mapped_prefix, sizeof(mapped_prefix)) != 0)
		return;
	a->family = 4;
	a->scope = 0;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
}

static struct slice without_brackets(struct slice text)
{
	if (text.n >= 2 && text.p[0] == '[' && slice_end(text)[-1] == ']')
		return slice_of(text.p + 1, text.n - 2);
	return text;
}

/* RFC 5118 4.10: the old grammar let ":::" appear where "::" was meant. */
static void collapse_colons(char *z)
{
	char *colons = strstr(z, ":::");
	if (colons)
		memmove(colons + 2, colons + 3, strlen(colons + 3) + 1);
}

/* Cuts "%3" off z. 0, or -1 when it is no number. */
static int take_scope(char *z, uint32_t *scope)
{
	char *percent = strchr(z, '%');
	if (!percent)
		return 0;
	*percent = '\0';
	return slice_u32(slice_str(percent + 1), scope);
}

static int parse_6(struct addr *a, char *z)
{
	if (take_scope(z, &a->scope) < 0)
		return -1;
	collapse_colons(z);
	if (inet_pton(AF_INET6, z, a->ip) != 1)
		return -1;
	a->family = 6;
	unmap(a);
	return 0;
}

int addr_parse(struct addr *a, struct slice text, uint16_t port)
{
	struct slice bare = without_brackets(text);
	bool bracketed = bare.n != text.n;
	char z[ADDR_TEXT];

	*a = (struct addr){.port = port};
	if (bare.n == 0 || bare.n >= sizeof(z) || memchr(bare.p, '\0', bare.n))
		return -1;
	memcpy(z, bare.p, bare.n);
	z[bare.n] = '\0';
	if (!bracketed && inet_pton(AF_INET, z, a->ip) == 1) {
		a->family = 4;
		return 0;
	}
	if (parse_6(a, z) == 0)
		return 0;
	*a = (struct addr){0};
	return -1;
}

int addr_parse_port(struct addr *a, struct slice text)
{
	const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
	struct slice host, digits;
	uint32_t port;

	*a = (struct addr){0};
	if (!colon)
		return -1;
	host = slice_range(text.p, colon);
	digits = slice_range(colon + 1, slice_end(text));
	if (slice_u32(digits, &port) < 0 || port > UINT16_MAX)
		return -1;
	/* "::1:5060" could be an address as well: IPv6 wants its brackets here. */
	if (slice_chr(host, ':') && host.p[0] != '[')
		return -1;
	return addr_parse(a, host, (uint16_t)port);
}

static char *put_octet(char *out, uint8_t octet)
{
	if (octet >= 100)
		*out++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*out++ = (char)('0' + octet / 10 % 10);
	*out++ = (char)('0' + octet % 10);
	return out;
}

static void put_4(char *out, const uint8_t ip[4])
{
	for (int i = 0; i < 4; i++) {
		out = put_octet(out, ip[i]);
		*out++ = i < 3 ? '.' : '\0';
	}
}

void addr_host(const struct addr *a, bool brackets, char out[ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "";
	char scope[12] = "";

	if (a->family == 4) {
		put_4(out, a->ip);
		return;
	}
	if (a->family != 6) {
		out[0] = '\0';
		return;
	}
	inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
	if (a->scope)
		snprintf(scope, sizeof(scope), "%%%u", a->scope);
	snprintf(out, ADDR_TEXT, brackets ? "[%s%s]" : "%s%s", ip, scope);
}

void addr_text(const struct addr *a, char out[ADDR_TEXT])
{
	char digits[U64_DIGITS];
	struct slice port = u64_text(a->port, digits);

	addr_host(a, true, out);
	out += strlen(out);
	*out++ = ':';
	memcpy(out, port.p, port.n);
	out[port.n] = '\0';
}

bool addr_ip_equal(const struct addr *a, const struct addr *b)
{
	struct addr x = *a, y = *b;

	unmap(&x);
	unmap(&y);
	if (x.family != y.family)
		return false;
	if (x.scope && y.scope && x.scope != y.scope)
		return false;
	return memcmp(x.ip, y.ip, x.family == 4 ? 4 : 16) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_ip_equal(a, b);
}

static bool is_unicast_4(const uint8_t ip[4])
{
	/* 0/8 is "this network", 224/4 multicast, 240/4 reserved with the broadcast in it. */
	return ip[0] != 0 && ip[0] < 224;
}

static bool is_unicast_6(const uint8_t ip[16])
{
	static const uint8_t any[16];

	return ip[0] != 0xff && memcmp(ip, any, sizeof(any)) != 0;
}

bool addr_is_unicast(const struct addr *a)
{
	struct addr x = *a;

	unmap(&x);
	if (x.family == 4)
		return is_unicast_4(x.ip);
	return x.family == 6 && is_unicast_6(x.ip);
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};
	struct addr x = *a;

	unmap(&x);
	if (x.family == 4)
		return x.ip[0] == 127;
	return x.family == 6 && memcmp(x.ip, one, sizeof(one)) == 0;
}

unsigned addr_to_sockaddr(const struct addr *a, struct sockaddr *storage)
{
	if (a->family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};

		memcpy(&in.sin_addr, a->ip, 4);
		memcpy(storage, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(a->port), .sin6_scope_id = a->scope};

	memcpy(&in6.sin6_addr, a->ip, 16);
	memcpy(storage, &in6, sizeof(in6));
	return sizeof(in6);
}

void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa)
{
	*a = (struct addr){0};
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		a->family = 4;
		a->port = ntohs(in.sin_port);
		memcpy(a->ip, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		a->family = 6;
		a->port = ntohs(in6.sin6_port);
		a->scope = in6.sin6_scope_id;
		memcpy(a->ip, &in6.sin6_addr, 16);
		unmap(a);
	}
}
