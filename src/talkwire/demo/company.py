"""The people, conversations and messages of Fernhill Bikes, the fictional company that `--demo` shows.

Its messages are from the week before the server starts.
"""

from __future__ import annotations

from talkwire.core.domain.cards.card import AskedCard, CardAction
from talkwire.demo.assistant import ASSISTANT
from talkwire.demo.assistant_script import GREETING
from talkwire.demo.attached_files import dusk, price_list, visits
from talkwire.demo.script import Offered, Person, Room, ScriptedMessage

PEOPLE = (
    Person("maya", "Maya Lindgren", "Product"),
    Person("tomas", "Tomas Reyes", "Engineering"),
    Person("ines", "Ines Okafor", "Design"),
    Person("jonah", "Jonah Weiss", "Sales"),
    Person("priya", "Priya Raman", "Data"),
    Person("sam", "Sam Whitaker", "Operations"),
    Person("lena", "Lena Hoffmann", "Customer, Café Sperling"),
)

LAUNCH = "heron-launch"

ORDERS = "orders"
"""Id of the conversation in which people ask the demo's agent."""

ROOMS = (
    Room(
        "fernhill-news",
        "channel",
        "Fernhill news",
        ("sam", "maya", "tomas", "ines", "jonah", "priya"),
        (6, "08:50"),
        (
            ScriptedMessage(
                "sam",
                "Welcome to **Fernhill news**. Only Sam and Maya write here; everybody can react.",
                (6, "08:52"),
                pinned_by="sam",
            ),
            ScriptedMessage(
                "maya",
                "The Heron passed its brake test this morning. Thank you all, and thank you, Tomas, for the new rig.",
                (3, "11:20"),
                reactions={"tomas": "🎉", "ines": "🎉", "priya": "🎉", "jonah": "🚲", "sam": "👏"},
            ),
            ScriptedMessage(
                "sam",
                "The new workshop opens on Monday. Cake at ten, bring a chair if you have a favourite one.",
                (1, "16:30"),
                reactions={"ines": "🍰", "jonah": "🍰", "maya": "🍰"},
            ),
        ),
        admins=("maya",),
        public=True,
        unread={"priya": 1, "tomas": 1},
    ),
    Room(
        LAUNCH,
        "group",
        "Heron launch",
        ("maya", "tomas", "ines", "priya", "jonah"),
        (5, "09:00"),
        (
            ScriptedMessage(
                "maya", "This room is for the launch of the Heron. What is still missing on your side?", (5, "09:04")
            ),
            ScriptedMessage("jonah", "Eleven shops want a test bike. I have four.", (5, "09:17"), name="shops"),
            ScriptedMessage(
                "tomas", "Two more are ready on Thursday.", (5, "09:41"), reply_to="shops", reactions={"jonah": "🙏"}
            ),
            ScriptedMessage(
                "priya",
                "These are last week's visits, with the test rides that came of them.",
                (2, "10:12"),
                files=(visits(),),
                reactions={"maya": "👀"},
            ),
            ScriptedMessage(
                "jonah", "And the price list for the shops, as we agreed.", (2, "14:35"), files=(price_list(),)
            ),
            ScriptedMessage(
                "maya",
                "Then we are set for **Thursday**:\n\n- texts: @ines\n- counting: @priya\n- the switch: @tomas",
                (2, "15:40"),
                name="plan",
                reactions={"tomas": "👍", "ines": "👍"},
                pinned_by="maya",
            ),
            ScriptedMessage(
                "tomas", "One question about the switch: before or after the shops open?", (2, "15:52"), thread="plan"
            ),
            ScriptedMessage("maya", "Before. Jonah calls them at eight.", (2, "16:03"), thread="plan"),
            ScriptedMessage("jonah", "I do. Coffee first.", (2, "16:05"), thread="plan", reactions={"maya": "☕"}),
            ScriptedMessage("ines", "Good morning! The landing page is ready for a look.", (1, "09:26")),
            ScriptedMessage(
                "ines",
                "I drew the picture myself, it fits the palette.",
                (1, "09:27"),
                files=(dusk(),),
                reactions={"tomas": "😍", "maya": "😍", "priya": "🔥"},
            ),
            ScriptedMessage(
                "tomas", "Beautiful. How do we count the visits without cookies?", (1, "09:58"), name="cookies"
            ),
            ScriptedMessage(
                "priya",
                "On the server, from the log:\n\n```python\n"
                "visits = Counter(line.path for line in log if line.status == 200)\n```",
                (1, "10:15"),
                reply_to="cookies",
            ),
            ScriptedMessage("ines", "The texts are in. Thursday it is 🎉", 48),
        ),
        unread={"jonah": 1},
        favourite_of=("maya",),
    ),
    Room(
        ORDERS,
        "group",
        "Orders",
        ("sam", "maya", "tomas", "ines", "jonah", "priya", ASSISTANT.user_id),
        (2, "09:00"),
        (ScriptedMessage(ASSISTANT.user_id, GREETING, 17),),
        agents="all",
    ),
    Room(
        "workshop",
        "group",
        "Workshop",
        ("tomas", "sam", "maya"),
        (4, "08:05"),
        (
            ScriptedMessage("sam", "The frames for the second batch arrived. Forty, not fifty.", (4, "08:11")),
            ScriptedMessage("tomas", "Then we build forty. The rest comes next week?", (4, "08:20")),
            ScriptedMessage(
                "sam", "So they say. I will believe it when I see the lorry.", (4, "08:22"), reactions={"tomas": "😅"}
            ),
            ScriptedMessage("tomas", "The deploy is through, by the way. The shop page loads in 180 ms.", 130),
        ),
        unread={"sam": 1},
    ),
    Room(
        "cafe-sperling",
        "group",
        "Café Sperling",
        ("jonah", "lena", "maya"),
        (3, "15:00"),
        (
            ScriptedMessage(
                "lena", "Hello! We would like to deliver our cakes by bike. Do your bikes carry 60 kg?", (3, "15:02")
            ),
            ScriptedMessage(
                "jonah", "Hello Lena, the Heron carries 90 kg. Would you like to try one this week?", (3, "15:20")
            ),
            ScriptedMessage(
                "lena",
                "We tried it. My baker does not want to get off it any more.",
                (1, "17:10"),
                reactions={"jonah": "😄", "maya": "🚲"},
            ),
            Offered(
                "jonah",
                "Two Herons with rain covers",
                "Delivery in three weeks, first service included.",
                1_214_000,
                "EUR",
                7,
                (1, "17:32"),
            ),
            ScriptedMessage("lena", "Thank you. I will ask our bank and answer by tomorrow.", 52),
        ),
        unread={"maya": 1, "jonah": 1},
        sections={"maya": "Customers"},
    ),
    Room(
        "lunch",
        "group",
        "Lunch",
        ("jonah", "ines", "maya", "priya"),
        (2, "11:28"),
        (
            ScriptedMessage("priya", "Soup or dumplings?", (2, "11:30")),
            ScriptedMessage("ines", "Dumplings. Always dumplings.", (2, "11:31"), reactions={"priya": "🥟"}),
            ScriptedMessage("jonah", "The Lebanese place today, half past twelve?", 64),
            ScriptedMessage("priya", "I am in.", 61, reactions={"jonah": "👍"}),
            ScriptedMessage(
                "jonah",
                "",
                58,
                card=AskedCard(
                    "And on Friday, with everybody?",
                    (
                        CardAction("lebanese", "The Lebanese place"),
                        CardAction("noodles", "The noodle bar"),
                        CardAction("picnic", "A picnic, if it does not rain"),
                    ),
                    "poll",
                    max=2,
                ),
                choices={"jonah": ("lebanese", "noodles"), "priya": ("noodles",)},
            ),
        ),
        unread={"maya": 2, "ines": 2},
    ),
    Room(
        "maya-jonah",
        "direct",
        None,
        ("maya", "jonah"),
        (4, "17:40"),
        (
            ScriptedMessage("jonah", "Are you coming to the climbing hall tonight?", (4, "17:44")),
            ScriptedMessage("maya", "Yes, at seven. I bring the rope.", (4, "17:51"), reactions={"jonah": "🧗"}),
            ScriptedMessage("jonah", "Same time next week?", (1, "18:20")),
            ScriptedMessage("maya", "Gladly.", (1, "18:31")),
        ),
    ),
    Room(
        "maya-ines",
        "direct",
        None,
        ("ines", "maya"),
        (1, "15:00"),
        (
            ScriptedMessage("maya", "Shall we look at the box for the launch kit together?", (1, "15:05")),
            ScriptedMessage("ines", "Yes, I have two drafts.", (1, "15:31")),
            ScriptedMessage("ines", "Could you look at the second draft?", 22),
            ScriptedMessage("ines", "No hurry!", 21),
        ),
        unread={"maya": 2},
    ),
    Room(
        "tomas-priya",
        "direct",
        None,
        ("priya", "tomas"),
        (2, "16:00"),
        (
            ScriptedMessage("priya", "Your query takes nine seconds. May I add an index?", (2, "16:02")),
            ScriptedMessage("tomas", "Please do. I will buy you a tea.", (2, "16:09"), reactions={"priya": "🍵"}),
        ),
    ),
)
