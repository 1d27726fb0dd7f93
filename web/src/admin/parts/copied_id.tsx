import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { IconButton } from "../../ui/components/icon_button";
import { useSay } from "../admin_context";
import { texts } from "../texts";

const SHOWN_MS = 1_500;

interface Props {
  id: string | null | undefined;
  /** Stands in the place of the id, once it is known. */
  name?: string | undefined;
  /** The view of what the id belongs to. */
  href?: string;
}

/** An id that can be copied. */
export function CopiedId({ id, name, href }: Props) {
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
    <span className={name === undefined ? "admin-id" : "admin-id named"}>
      {href === undefined ? (
        <code title={id}>{id}</code>
      ) : (
        <a href={href} title={id}>
          {name ?? id}
        </a>
      )}
      <IconButton icon={isCopied ? Check : Copy} label={texts.copy(id)} onClick={() => void copy()} />
    </span>
  );
}
