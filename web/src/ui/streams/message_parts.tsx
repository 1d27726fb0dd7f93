import type { Message, MessagePart } from "@talkwire/client";
import { memo, type ReactNode, useRef } from "react";
import { MessageText } from "../markdown/markdown";
import { asWritten } from "../markdown/markdown_blocks";
import { useMentions } from "../markdown/mention_text";
import { GrowingText } from "./growing_text";
import { Plan } from "./plan";
import { Reasoning } from "./reasoning";
import { type SourcePart, Sources } from "./sources";
import { StreamFoot } from "./stream_foot";
import { Tool } from "./tool";
import "./message_parts.css";

interface Props {
  message: Message;
  /** Follows the last part, such as a tick. */
  end?: ReactNode;
}

/** The parts of a message, which may be written at this moment, and how its stream has ended. */
export default function MessageParts({ message, end }: Props) {
  const { id, state, content = "" } = message;
  const isGrowing = state === "streaming";
  // What has grown before the reader's eyes stays as it is, also when it is complete.
  const hasGrown = useRef(false);
  hasGrown.current ||= isGrowing;
  const mentions = useMentions(message);
  const hasMentions = message.mentionsAll || (message.mentions?.length ?? 0) > 0;
  const parts: readonly MessagePart[] = message.parts ?? [{ type: "text", text: content }];
  const drawn = parts.map((part, index) => {
    const key = `${id} ${index}`;
    if (part.type !== "text")
      return <OtherPart key={key} id={key} part={part} isGrowing={isGrowing} isLast={index === parts.length - 1} />;
    if (hasGrown.current)
      return (
        <GrowingText key={key} text={part.text} isGrowing={isGrowing} textOf={hasMentions ? mentions : asWritten} />
      );
    return <MessageText key={key} content={part.text} message={message} />;
  });
  return (
    <>
      {drawn}
      <Sources sources={parts.filter(isSource)} attachments={message.attachments} />
      {end}
      {state !== undefined && <StreamFoot message={message} hasGrown={hasGrown.current} />}
    </>
  );
}

interface OtherPartProps {
  /** Names the part on this page. */
  id: string;
  part: MessagePart;
  isGrowing: boolean;
  isLast: boolean;
}

/** A part that is no text, as a line that opens. Sources are below all parts, and data of applications is not shown. */
const OtherPart = memo(function OtherPart({ id, part, isGrowing, isLast }: OtherPartProps) {
  switch (part.type) {
    case "reasoning":
      return <Reasoning id={id} text={part.text} isGrowing={isGrowing && isLast} />;
    case "tool":
      return <Tool id={id} tool={part} isGrowing={isGrowing} />;
    case "plan":
      return <Plan id={id} plan={part} isGrowing={isGrowing} />;
    default:
      return null;
  }
});

const isSource = (part: MessagePart): part is SourcePart => part.type === "source";
