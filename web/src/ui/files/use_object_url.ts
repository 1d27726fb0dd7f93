import { useEffect, useState } from "react";

/** Returns a URL of bytes in this browser; null until there is one. */
export function useObjectUrl(bytes: Blob | undefined): string | null {
  const [objectUrl, setObjectUrl] = useState<string | null>(null);
  useEffect(() => {
    if (bytes === undefined) return;
    const made = URL.createObjectURL(bytes);
    setObjectUrl(made);
    return () => {
      URL.revokeObjectURL(made);
      setObjectUrl(null);
    };
  }, [bytes]);
  return objectUrl;
}
