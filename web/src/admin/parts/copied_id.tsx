import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { IconButton } from "../../ui/components/icon_button";
import { useSay } from "../admin_context";
import { texts } from "../texts";

const SHOWN_MS = 1_500;

/** An id that can be copied. `href`: the view of what it belongs to. */
export function CopiedId({ id, href }: { id: string | null | undefined; href?: string }) {
  const say = useSay();
  const [isCopied, setCopied] = useState(false);
  if (!id) return <span className="admin-faint">{texts.none}</span>;
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(id);
    } catch {
      say(texts.cannotCopy);
      return;
    }
    say(texts.copied);
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return (
    <span className="admin-id">
      {href === undefined ? (
        <code title={id}>{id}</code>
      ) : (
        <a href={href} title={id}>
          {id}
        </a>
      )}
      <IconButton icon={isCopied ? Check : Copy} label={texts.copy(id)} onClick={() => void copy()} />
    </span>
  );
}
