/**
 * What the page does with texts of others, and with what is typed or pasted, by its description. Each function reads one
 * text, also within each construct of Markdown.
 */

import type { Attachment, Member } from "@talkwire/client";
import { member as memberOf } from "../../clients/javascript/client/test/samples";
import { searchByName, withoutAt } from "../src/chat/conversations/name_search";
import { extensionOf } from "../src/chat/files/text_preview";
import { endOfAddress } from "../src/chat/markdown/addresses";
import { blocksOf, endsInWords } from "../src/chat/markdown/blocks";
import { trimmed } from "../src/chat/markdown/trimmed";
import { messageSummary } from "../src/chat/messages/message_summary";
import { plainText } from "../src/chat/messages/plain_text";
import { groupedByDecimal, parseAmount } from "../src/chat/offers/money";
import { isolated, withoutDirection } from "../src/chat/people/isolated";
import { fold } from "../src/chat/search/fold";
import { excerptOf, piecesOf, piecesOfName } from "../src/chat/search/highlight";
import { completed } from "../src/chat/streams/completed";
import { GrowingBlocks } from "../src/chat/streams/growing_blocks";
import {
  closedEmojiAt,
  emojiChoices,
  insertionOf,
  mentionChoices,
  queryAt,
  staysClosed,
} from "../src/chat/writing/completion";
import { searchEmoji } from "../src/chat/writing/emoji_search";
import { continuedList, formatted, isInFence, withoutSecondSign } from "../src/chat/writing/formatting";
import { foldedName, spellingOf, splitAtMentions } from "../src/chat/writing/mentions";
import { charactersOver } from "../src/chat/writing/message_length";
import { placeOf } from "../src/place";
import { looksLike } from "../src/ui/components/looks_like";
import { partsOf } from "../src/ui/markdown/linked_text";
import { piecesOf as longPiecesOf } from "../src/ui/markdown/long_text";
import { isOnlyEmoji } from "../src/ui/markdown/only_emoji";

export type Reader = (text: string) => unknown;

const EMOJI = [
  { emoji: "🚀", label: "rocket ship", group: 0, version: 1, tags: ["space"], codes: ["rocket"] },
  { emoji: "❤️", label: "red heart", group: 0, version: 1, tags: ["a", "love"], codes: ["heart", "red_heart"] },
];
const MENTIONED = [
  { userId: "ann", spellings: ["Ann Smith", "a"] },
  { userId: "all", spellings: ["all"] },
];
const TO_BOB = { key: "bob", label: "Bob", hint: "", insert: "@Bob" };

const named = (name: string): Member => memberOf("bob", { name });
const OTHER = memberOf("carol", { name: "Carol" });

/** Reads a text with something before each of its lines. */
const afterEach =
  (start: string): Reader =>
  (text) =>
    blocksOf(text.replaceAll(/^/gm, start));

/** Reads a text between two others. */
const between =
  (start: string, end = ""): Reader =>
  (text) =>
    blocksOf(start + text + end);

const MARKDOWN: Readonly<Record<string, Reader>> = {
  "a message": blocksOf,
  emphasis: between("*", "*"),
  "emphasis after much that is open": between("*(".repeat(40)),
  "a heading": between("# "),
  "a quote": afterEach("> "),
  "an item": afterEach("- "),
  "the lines of an item": afterEach("  - "),
  "an item of many lists": between("- ".repeat(8)),
  cells: afterEach("|"),
  "rows of a table": between("|a|b|\n|-|-|\n|"),
  alignments: between("a|b\n", "|-"),
  code: between("`", "`"),
  "a block of code": between("```js\n", "\n```"),
  "code without an end": between("```js\n"),
  "lines that start like code": afterEach("```"),
  "lines that start like other code": afterEach("~~~"),
  "the name of a language": between("```", "\na\n```"),
  "the words of a link": between("[", "](https://a.example)"),
  "the words of a link without an end": between("["),
  "the address of a link": between("[a](https://", ")"),
  "the address of a link without an end": between("[a](https://"),
  "the title of a link": between('[a](https://a.example "', '")'),
  "the title of a link without an end": between('[a](https://a.example "'),
  "a picture": between("![", "](https://a.example)"),
  "an address in brackets": between("<https://", ">"),
  "an address in brackets without an end": between("<https://"),
  "an address": between("https://"),
  "an address without a scheme": between("www.a"),
  "an e-mail address": between("", "@a.example"),
  "the host of an e-mail address": between("a@b", ".example"),
  "escaped lines": afterEach("\\"),
  "how a message ends": endsInWords,
  "a text that is being written": completed,
  "a text that grows": (text) => new GrowingBlocks().read(text, true),
};

export const READERS: Readonly<Record<string, Reader>> = {
  ...MARKDOWN,
  "space around a message": trimmed,
  "pieces of a long message": longPiecesOf,
  "all pieces of a long message": (text) => longPiecesOf(trimmed(text)).map(blocksOf),
  "a preview": plainText,
  "a file's name as a preview": (name) => messageSummary({ attachments: [music(name)] }),
  "a topic": partsOf,
  "an address in a topic": (text) => partsOf(`https://${text}`),
  "where an address ends": (text) => endOfAddress(`https://${text}`, 0, "https://"),
  "emoji alone": isOnlyEmoji,
  "a name to compare": foldedName,
  mentions: (text) => splitAtMentions(text, MENTIONED),
  "mentions of one person": (text) => splitAtMentions(text.replaceAll(/.{1,12}/gsu, " @Ann Smith$&"), MENTIONED),
  "how to mention somebody": (name) => spellingOf(named(name), [named(name), OTHER]),
  "a found message": (text) => piecesOf(text, "ab 1 東 🎉 a"),
  "the excerpt of a found message": (text) => excerptOf(text, "zz"),
  "words that were searched for": (query) => piecesOf("some words in a text", query),
  "a found name": (name) => piecesOfName(name, "a - ab"),
  "words that a name was found by": (query) => piecesOfName("some words", query),
  "a name in a sentence": isolated,
  "a name outside of the page": withoutDirection,
  "a text as searches compare it": fold,
  "a name in a search": (name) => searchByName([name], String, "a b"),
  "words to search names for": (query) => searchByName(["some words"], String, query),
  "a handle to search for": withoutAt,
  "words to search emoji for": (query) => searchEmoji(EMOJI, query),
  "the start of a short code": (query) => emojiChoices(query, EMOJI),
  "the start of a mention": (query) => mentionChoices(query, [named("Bob"), OTHER], ""),
  "a name to mention": (name) => mentionChoices("a", [named(name), OTHER], ""),
  "what is typed": (text) => queryAt(text, text.length),
  "a short code": (text) => closedEmojiAt(text, text.length),
  "closed suggestions": (text) => staysClosed(text, text.length, 0, false),
  "what follows a suggestion": (text) => insertionOf(TO_BOB, text, 0),
  "typed code": isInFence,
  "a line of a typed list": (text) => continuedList(text, text.length),
  "an item of a typed list": (text) => continuedList(`- ${text}`, text.length + 2),
  "a typed sign of a list": (text) => withoutSecondSign(text, text.length),
  "text to make bold": (text) => formatted("bold", text, 0, text.length),
  "text to make bold after space": (text) => formatted("bold", " ".repeat(text.length) + text, 0, 2 * text.length),
  "text to make a list of": (text) => formatted("list", text, 0, text.length),
  "text to make a link of": (text) => formatted("link", text, 0, text.length),
  "text to make code of": (text) => formatted("codeBlock", text, 0, text.length),
  "how much is too long": charactersOver,
  "an amount": (text) => parseAmount(text, "EUR", "en"),
  "an amount that starts with a digit": (text) => parseAmount(`1${text}`, "EUR", "en"),
  "a grouped amount": (text) => groupedByDecimal(`1${text}`, "de"),
  "the end of a file's name": extensionOf,
  "a typed name": (name) => looksLike(name, name),
  "an address of the page": placeOf,
};

const music = (name: string): Attachment => ({ name, kind: "audio", url: "" }) as Attachment;
