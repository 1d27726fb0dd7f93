import type { Message } from "@talkwire/client";
import { memo, type ReactNode, useEffect, useMemo, useState } from "react";
import { endsInWords } from "../../chat/markdown/blocks";
import { trimmed } from "../../chat/markdown/trimmed";
import { texts } from "../../texts";
import { piecesOf } from "./long_text";
import { Markdown } from "./markdown_blocks";
import { MentionText } from "./mention_text";
import { isOnlyEmoji } from "./only_emoji";

/** The long texts that the reader has expanded. They stay expanded when they leave the screen. */
const unfolded = new Set<string>();

/** Shows a long text as a whole from now on. */
export function unfold(content: string): void {
  unfolded.add(content);
}

interface Props {
  content: string;
  /** For highlighting its mentions. */
  message?: Message;
  /** Follows the last word, such as a tick; stands beside a text that ends in something else, such as code. */
  end?: ReactNode;
}

/** A message's text. */
export const MessageText = memo(function MessageText({ content, message, end }: Props) {
  const pieces = useMemo(() => piecesOf(trimmed(content)), [content]);
  const [isWhole, setWhole] = useState(() => unfolded.has(content));
  const isEmoji = useMemo(() => isOnlyEmoji(content), [content]);
  const hasEnd = Boolean(end);
  const isWithin = useMemo(
    () => hasEnd && !isEmoji && pieces.length === 1 && endsInWords(pieces[0] ?? ""),
    [hasEnd, isEmoji, pieces],
  );
  return (
    <>
      <div className={isEmoji ? "text only-emoji" : "text"}>
        {/* The space around has the direction of the page. */}
        <div dir="auto">
          <Piece content={pieces[0] ?? ""} message={message} end={isWithin && end} />
          {isWhole && <Rest pieces={pieces} message={message} />}
          {!isWhole && pieces.length > 1 && (
            <button
              type="button"
              className="quiet long"
              onClick={() => {
                unfold(content);
                setWhole(true);
              }}
            >
              {texts.showMore}
            </button>
          )}
        </div>
      </div>
      {!isWithin && end}
    </>
  );
});

/** The pieces after the first: one more in each frame. */
function Rest({ pieces, message }: { pieces: readonly string[]; message: Message | undefined }) {
  const [count, setCount] = useState(1);
  useEffect(() => {
    if (count >= pieces.length) return;
    const frame = requestAnimationFrame(() => setCount(count + 1));
    return () => cancelAnimationFrame(frame);
  }, [count, pieces]);
  return pieces.slice(1, count).map((piece, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a text keep their order
    <Piece key={index} content={piece} message={message} />
  ));
}

interface PieceProps {
  content: string;
  message: Message | undefined;
  end?: ReactNode;
}

const Piece = memo(function Piece({ content, message, end }: PieceProps) {
  const names = message?.mentionsAll || (message?.mentions?.length ?? 0) > 0;
  if (message !== undefined && names) return <MentionText message={message} content={content} end={end} />;
  return <Markdown content={content} end={end} />;
});
