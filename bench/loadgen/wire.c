/* WebSocket framing (RFC 6455, section 5.2) as a client needs it, without extensions. */
#include "load.h"

#include <stdio.h>
#include <string.h>

/* Reads one whole frame from the start of `data`; false when more bytes are needed. Server frames are never masked. */
bool frame_parse(const char *data, size_t length, struct frame *frame)
{
    const unsigned char *byte = (const unsigned char *)data;
    if (length < 2)
        return false;
    if (byte[0] & 0x70)
        die("the server set a reserved bit: an extension that nobody asked for");
    if (byte[1] & 0x80)
        die("the server masked a frame");
    size_t header = 2;
    uint64_t payload = byte[1] & 0x7f;
    if (payload >= 126) {
        size_t extra = payload == 126 ? 2 : 8;
        header += extra;
        if (length < header)
            return false;
        payload = 0;
        for (size_t i = 0; i < extra; i++)
            payload = payload << 8 | byte[2 + i];
    }
    frame->opcode = byte[0] & 0x0f;
    frame->final = byte[0] & 0x80;
    frame->payload = data + header;
    frame->length = payload;
    frame->size = header + payload;
    return length >= frame->size;
}

/* Any mask but zero serves: with zero the server would have less work. */
static uint32_t next_mask(void)
{
    static uint32_t state = 2463534242u; /* xorshift32 */
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* Writes a final, masked frame to `out`, which has room for FRAME_HEADER_MAX + length bytes; returns its size. */
size_t frame_build(char *out, enum opcode opcode, const char *payload, size_t length)
{
    if (length > 0xffff)
        die("a client frame of %zu bytes", length);
    size_t at = 0;
    out[at++] = (char)(0x80 | opcode);
    if (length < 126) {
        out[at++] = (char)(0x80 | length);
    } else {
        out[at++] = (char)(0x80 | 126);
        out[at++] = (char)(length >> 8);
        out[at++] = (char)length;
    }
    uint32_t mask = next_mask();
    memcpy(out + at, &mask, sizeof mask);
    const char *key = out + at;
    at += sizeof mask;
    for (size_t i = 0; i < length; i++)
        out[at + i] = payload[i] ^ key[i & 3];
    return at + length;
}

size_t upgrade_request(char *out, size_t room, const char *host, int port)
{
    /* The key is the RFC's sample: a benchmark need not check the hash in the response. */
    int size = snprintf(out, room,
                        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
                        "Host: %s:%d\r\n"
                        "Connection: Upgrade\r\n"
                        "Upgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "\r\n",
                        host, port);
    if (size < 0 || (size_t)size >= room)
        die("the host name is too long");
    return (size_t)size;
}
