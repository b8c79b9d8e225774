// SPDX-License-Identifier: Apache-2.0
// Frames as in RFC 826 (ARP), RFC 791 (IPv4) and RFC 792 (ICMP echo).
#include "net.h"
#include "console.h"
#include "driver.h"
#include "irq.h"
#include "memory.h"

#define TRIES 8
#define TRY_MS 1000

#define BE16(value) __builtin_bswap16(value)
#define TYPE_ARP BE16(0x0806)
#define TYPE_IPV4 BE16(0x0800)
#define ARP_ETHERNET BE16(1)
#define ARP_REQUEST BE16(1)
#define ARP_REPLY BE16(2)
#define IPV4_NO_OPTIONS 0x45
#define PROTOCOL_ICMP 1
#define ICMP_ECHO_REPLY 0
#define ICMP_ECHO_REQUEST 8
#define PING_DATA 56u // as ping(8) does

struct ethernet {
	uint8_t target[6], source[6];
	uint16_t type;
} __attribute__((packed));

struct arp_frame {
	struct ethernet ethernet;
	uint16_t hardware, protocol;
	uint8_t hardware_size, protocol_size;
	uint16_t operation;
	uint8_t sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
} __attribute__((packed));

struct icmp {
	uint8_t type, code;
	uint16_t checksum, id, sequence;
	uint8_t data[PING_DATA];
} __attribute__((packed));

struct ping_frame {
	struct ethernet ethernet;
	uint8_t version, service;
	uint16_t length, id, fragment;
	uint8_t lifetime, protocol;
	uint16_t checksum;
	uint8_t source[4], target[4];
	struct icmp icmp;
} __attribute__((packed));

static const uint8_t our_ip[4] = {10, 0, 2, 77}, peer_ip[4] = {10, 0, 2, 2}, broadcast[6] = {255, 255, 255, 255, 255, 255};
static struct ring *ring;
static const uint8_t *our_mac;
static uint8_t peer_mac[6];
static uint16_t ping_id;
static uint8_t received[RING_FRAME_SIZE];

const char *net_mac_text(const uint8_t mac[6])
{
	static char words[18];
	text(words, sizeof words, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return words;
}

// The Internet checksum (RFC 1071); the structures have an even size.
static uint16_t checksum(const void *data, unsigned size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;
	for (unsigned i = 0; i < size; i += 2)
		sum += (uint32_t)(bytes[i] | bytes[i + 1] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void fill_ethernet(struct ethernet *ethernet, const uint8_t target[6], uint16_t type)
{
	memcpy(ethernet->target, target, 6);
	memcpy(ethernet->source, our_mac, 6);
	ethernet->type = type;
}

static bool send_arp(uint16_t operation, const uint8_t target_mac[6], const uint8_t target_ip[4])
{
	struct arp_frame frame = {.hardware = ARP_ETHERNET, .protocol = TYPE_IPV4, .hardware_size = 6, .protocol_size = 4};
	frame.operation = operation;
	fill_ethernet(&frame.ethernet, target_mac, TYPE_ARP);
	memcpy(frame.sender_mac, our_mac, 6);
	memcpy(frame.sender_ip, our_ip, 4);
	if (operation == ARP_REPLY)
		memcpy(frame.target_mac, target_mac, 6);
	memcpy(frame.target_ip, target_ip, 4);
	return ring_send(ring, &frame, sizeof frame);
}

static bool send_ping(void)
{
	struct ping_frame frame = {.version = IPV4_NO_OPTIONS, .lifetime = 64, .protocol = PROTOCOL_ICMP};
	fill_ethernet(&frame.ethernet, peer_mac, TYPE_IPV4);
	frame.length = BE16(sizeof frame - sizeof frame.ethernet);
	memcpy(frame.source, our_ip, 4);
	memcpy(frame.target, peer_ip, 4);
	frame.checksum = checksum(&frame.version, 20);
	frame.icmp.type = ICMP_ECHO_REQUEST;
	frame.icmp.id = ping_id;
	for (unsigned i = 0; i < PING_DATA; i++)
		frame.icmp.data[i] = (uint8_t)i;
	frame.icmp.checksum = checksum(&frame.icmp, sizeof frame.icmp);
	return ring_send(ring, &frame, sizeof frame);
}

// Takes in what has come; true once the reply of the given Ethernet type is among it. A question for our address is answered
// on the way, since the peer may want to know it before it replies.
static bool got_reply(uint16_t wanted)
{
	unsigned length;
	while ((length = ring_receive(ring, received))) {
		const struct arp_frame *arp = (void *)received;
		const struct ping_frame *ping = (void *)received;
		if (arp->ethernet.type == TYPE_ARP && length >= sizeof *arp) {
			if (arp->operation == ARP_REQUEST && !memcmp(arp->target_ip, our_ip, 4))
				send_arp(ARP_REPLY, arp->sender_mac, arp->sender_ip);
			if (wanted == TYPE_ARP && arp->operation == ARP_REPLY && !memcmp(arp->sender_ip, peer_ip, 4)) {
				memcpy(peer_mac, arp->sender_mac, 6);
				return true;
			}
		}
		if (wanted == TYPE_IPV4 && ping->ethernet.type == TYPE_IPV4 && length >= sizeof *ping && ping->protocol == PROTOCOL_ICMP &&
		    !memcmp(ping->source, peer_ip, 4) && ping->icmp.type == ICMP_ECHO_REPLY && ping->icmp.id == ping_id &&
		    checksum(&ping->icmp, sizeof ping->icmp) == 0)
			return true;
	}
	return false;
}

const char *net_test(struct pci_device *device, struct ring *used_ring, const uint8_t mac[6])
{
	ring = used_ring;
	our_mac = mac;
	ping_id = (uint16_t)random64();

	bool replied = false;
	for (unsigned i = 0; i < TRIES && !replied; i++) {
		if (!send_arp(ARP_REQUEST, broadcast, peer_ip))
			return "waited 1 s for the first frame to be sent";
		if (i == 0)
			report(device, "sent arp who-has 10.0.2.2 tell 10.0.2.77");
		replied = WAIT_MS(TRY_MS, got_reply(TYPE_ARP));
	}
	if (!replied)
		return "waited 8 s for an arp reply of 10.0.2.2";
	report(device, "got arp reply 10.0.2.2 is-at %s", net_mac_text(peer_mac));
	if (!WAIT_MS(5000, irq_count > 0))
		return "waited 5 s for an interrupt";

	uint32_t before = irq_count;
	replied = false;
	for (unsigned i = 0; i < TRIES && !replied; i++) {
		if (!send_ping())
			return "waited 1 s for a ping to be sent";
		replied = WAIT_MS(TRY_MS, got_reply(TYPE_IPV4));
	}
	if (!replied)
		return "waited 8 s for a ping reply of 10.0.2.2";
	report(device, "ping 10.0.2.2 reply bytes=%u", (unsigned)sizeof(struct icmp));

	if (!WAIT_MS(5000, irq_count > before))
		return "waited 5 s for another interrupt";
	report(device, "interrupts=%u kind=%s", irq_count, device->irq_kind);
	return NULL;
}
