/** The parts of messages: what follows from them, as the server computes it, for messages that it has not stored yet. */

import type { Message, TextPart } from "../server/payloads.ts";

/** A part of a message: a text, reasoning, the use of a tool, a source, a plan or data of the application. */
export type MessagePart = NonNullable<Message["parts"]>[number];

const TITLES_MAX_LENGTH = 2_000;

/** Returns the `content` of a message with these parts. */
export function contentOf(parts: readonly MessagePart[]): string {
  const texts = parts.flatMap((part) => (isText(part) && part.text.trim() !== "" ? [part.text] : []));
  if (texts.length > 0) return texts.join("\n\n");
  const titles = parts.flatMap(titlesOf);
  const names = titles.length > 0 ? titles : parts.flatMap((part) => (part.type === "data" ? [part.name] : []));
  return names.join(", ").slice(0, TITLES_MAX_LENGTH);
}

function titlesOf(part: MessagePart): string[] {
  if (part.type === "tool") return [part.title ?? part.name];
  if (part.type === "plan") return part.title === undefined ? part.tasks.map(({ title }) => title) : [part.title];
  const title = part.type === "source" ? (part.title ?? part.url) : undefined;
  return title === undefined ? [] : [title];
}

/** Returns the parts with one text in place of all texts; without any, it comes first. A blank text removes them. */
function withText(parts: readonly MessagePart[], text: string): MessagePart[] {
  const place = Math.max(0, parts.findIndex(isText));
  const others: MessagePart[] = parts.filter((part) => !isText(part));
  return others.toSpliced(place, 0, ...(text.trim() === "" ? [] : [{ type: "text" as const, text }]));
}

/** Returns what a message is sent with: its text, or its parts with this text. */
export function textOrParts(
  content: string,
  parts?: readonly MessagePart[],
): { content: string } | { parts: MessagePart[] } {
  if (parts === undefined) return { content };
  return { parts: content === contentOf(parts) ? [...parts] : withText(parts, content) };
}

/** Returns a message with other parts. As on the server, it has none if it is only a text. */
export function withParts({ parts: _, ...message }: Message, parts: readonly MessagePart[]): Message {
  const isOnlyText = parts.length === 1 && parts.every(isText);
  return { ...message, content: contentOf(parts), ...(!isOnlyText && parts.length > 0 && { parts: [...parts] }) };
}

/** Returns a message with another text, which keeps its parts that are no texts. */
export function withContent(message: Message, content: string): Message {
  if (message.parts === undefined) return { ...message, content };
  const parts = withText(message.parts, content);
  return parts.length === 0 ? { ...withParts(message, []), content } : withParts(message, parts);
}

/** Returns a message as conversations have it as their last one: without its parts. */
export function withoutParts(message: Message): Message {
  if (message.parts === undefined) return message;
  const { parts: _, ...rest } = message;
  return rest;
}

/** Returns a message without what its sources quote of a message that was deleted. */
export function withoutQuotesOf(message: Message, quotedId: string): Message {
  const quotes = (part: MessagePart) => part.type === "source" && part.messageId === quotedId;
  if (message.parts?.some(quotes) !== true) return message;
  const parts = message.parts.map((part) => {
    if (!quotes(part)) return part;
    const { quote: _, ...rest } = part as Extract<MessagePart, { type: "source" }>;
    return rest;
  });
  return { ...message, parts };
}

const isText = (part: MessagePart): part is TextPart => part.type === "text";
