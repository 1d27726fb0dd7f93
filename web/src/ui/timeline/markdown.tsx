import type { Message } from "@talkwire/client";
import { memo, useEffect, useMemo, useState } from "react";
import { trimmed } from "../../chat/markdown/trimmed";
import { texts } from "../../texts";
import { piecesOf } from "./long_text";
import { Markdown } from "./markdown_blocks";
import { MentionText } from "./mention_text";
import { isOnlyEmoji } from "./only_emoji";

/** The long texts that the reader has expanded. They stay expanded when they leave the screen. */
const unfolded = new Set<string>();

/** A message's text. `message`: for highlighting its mentions. */
export const MessageText = memo(function MessageText({ content, message }: { content: string; message?: Message }) {
  const pieces = useMemo(() => piecesOf(trimmed(content)), [content]);
  const [isWhole, setWhole] = useState(() => unfolded.has(content));
  const isEmoji = useMemo(() => isOnlyEmoji(content), [content]);
  return (
    <div className={isEmoji ? "text only-emoji" : "text"}>
      {/* The space around has the direction of the page. */}
      <div dir="auto">
        <Piece content={pieces[0] ?? ""} message={message} />
        {isWhole && <Rest pieces={pieces} message={message} />}
        {!isWhole && pieces.length > 1 && (
          <button
            type="button"
            className="quiet long"
            onClick={() => {
              unfolded.add(content);
              setWhole(true);
            }}
          >
            {texts.showMore}
          </button>
        )}
      </div>
    </div>
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

const Piece = memo(function Piece({ content, message }: { content: string; message: Message | undefined }) {
  const names = message?.mentionsAll || (message?.mentions?.length ?? 0) > 0;
  if (message !== undefined && names) return <MentionText message={message} content={content} />;
  return <Markdown content={content} />;
});
