import type { Message } from "@talkwire/client";
import { SquareCheckBig, Square as SquareEmpty } from "lucide-react";
import Markdown from "markdown-to-jsx/react";
import { memo, type ReactNode, useEffect, useMemo, useState } from "react";
import { texts } from "../../texts";
import { CodeBlock } from "./code_block";
import { piecesOf } from "./long_text";
import { MentionText } from "./mention_text";
import { isOnlyEmoji } from "./only_emoji";

/** Headings of a message are no headings of the page. */
const Heading1 = ({ children }: { children?: ReactNode }) => <p className="heading first">{children}</p>;
const Heading2 = ({ children }: { children?: ReactNode }) => <p className="heading second">{children}</p>;
const Heading = ({ children }: { children?: ReactNode }) => <p className="heading">{children}</p>;

/** Shows a picture of another server as a link, since that server would learn who reads. */
const Picture = ({ src, alt }: { src?: string; alt?: string }) => <Link href={src}>{alt || src}</Link>;

function Link({ href, children }: { href?: string | undefined; children?: ReactNode }) {
  const isWeb = href !== undefined && /^(https?:|mailto:)/i.test(href);
  if (!isWeb) return <span>{children}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** The checkbox of a task list, which cannot be changed here. */
function Task({ checked = false }: { checked?: boolean }) {
  const Box = checked ? SquareCheckBig : SquareEmpty;
  return <Box className="icon task" role="img" aria-label={texts.task(checked)} />;
}

const options = {
  // Texts become elements, never HTML.
  disableParsingRawHTML: true,
  forceBlock: true,
  wrapper: "div" as const,
  overrides: {
    a: Link,
    img: Picture,
    pre: CodeBlock,
    input: Task,
    h1: Heading1,
    h2: Heading2,
    h3: Heading,
    h4: Heading,
    h5: Heading,
    h6: Heading,
  },
};

/** The long texts that the reader has expanded. They stay expanded when they leave the screen. */
const unfolded = new Set<string>();

/** A message's text. `message`: for highlighting its mentions. */
export const MessageText = memo(function MessageText({ content, message }: { content: string; message?: Message }) {
  const pieces = useMemo(() => piecesOf(content), [content]);
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
  if (message !== undefined && names) return <MentionText message={message} content={content} options={options} />;
  return <Markdown options={options}>{content}</Markdown>;
});
