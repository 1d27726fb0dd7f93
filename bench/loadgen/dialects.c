/* The events of Talkwire's dialects that this program uses, all in the root namespace. */
#include "load.h"

#include <string.h>

static const struct dialect dialects[] = {
    {"messenger", "42[\"message:new\",", NULL, NULL},
    {"talks", "42[\"message\",", "join-conversation", "conversationId"},
    {"whatsapp", "42[\"message:received\",", "conversation:join", "conversationId"},
    {"crm", "42[\"newMessage\",", "joinChat", "chatId"},
    {"gateway", "42[\"notification\",", NULL, NULL},
};

const struct dialect *find_dialect(const char *name)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (strcmp(dialects[i].name, name) == 0)
            return &dialects[i];
    die("no such dialect: %s", name);
}
