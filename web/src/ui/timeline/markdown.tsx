import Markdown from "markdown-to-jsx/react";
import { memo, type ReactNode } from "react";
import type { Message } from "../../server/payloads";
import { MentionText } from "./mention_text";

const Plain = ({ children }: { children?: ReactNode }) => <p>{children}</p>;

/** A picture of somewhere else would tell its server who reads; its address is shown instead. */
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

const options = {
  // Texts become elements, never HTML.
  disableParsingRawHTML: true,
  forceBlock: true,
  wrapper: "div" as const,
  overrides: { a: Link, img: Picture, h1: Plain, h2: Plain, h3: Plain, h4: Plain, h5: Plain, h6: Plain },
};

/** What a message says. `message`: the one that it is of, where those whom it names are to stand out. */
export const MessageText = memo(function MessageText({ content, message }: { content: string; message?: Message }) {
  const names = message?.mentionsAll || (message?.mentions?.length ?? 0) > 0;
  return (
    <div className="text">
      {message !== undefined && names ? (
        <MentionText message={message} content={content} options={options} />
      ) : (
        <Markdown options={options}>{content}</Markdown>
      )}
    </div>
  );
});
