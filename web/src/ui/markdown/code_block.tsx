import { Check, Copy } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { repeatable } from "../../repeatable_import";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useChat } from "../page/chat_context";
import { copyText } from "../page/clipboard";
import "./code_block.css";

const COPIED_MS = 2_000;
/** The grammars are loaded with the first block of code. */
const loadColours = repeatable(() => import("./code_colours"));

interface CodeProps {
  code: string;
  /** As it is named in the message. */
  language: string | undefined;
}

/** A block of code, with a button to copy it. It is coloured when its language is named and known. */
export function CodeBlock({ code, language }: CodeProps) {
  const coloured = useColoured(code, language);
  if (code === "") return <pre />;
  return (
    <div className="code-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard */}
      <pre tabIndex={0}>
        <code>{coloured ?? code}</code>
      </pre>
      <CopyButton code={code} />
    </div>
  );
}

function CopyButton({ code }: { code: string }) {
  const chat = useChat();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconButton
      icon={isCopied ? Check : Copy}
      label={texts.copyCode}
      className="copy-code reach"
      onClick={() => void copyText(chat, code).then(setCopied)}
    />
  );
}

/** Returns the code with its parts coloured; null until that is done, and where it stays plain. */
function useColoured(code: string, language: string | undefined): ReactNode {
  const [coloured, setColoured] = useState<ReactNode>(null);
  useEffect(() => {
    if (language === undefined) return;
    let isCurrent = true;
    loadColours()
      .then(({ colouring, colouredCode }) => {
        colouring.add(() => {
          if (isCurrent) setColoured(colouredCode(code, language));
        });
      })
      .catch(() => undefined);
    return () => {
      isCurrent = false;
    };
  }, [code, language]);
  return coloured;
}
