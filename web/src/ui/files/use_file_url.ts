import { useRef, useState } from "react";
import { useChat } from "../chat_context";

interface FileUrl {
  readonly address: string;
  /** Whether it cannot be loaded, also not under a new address. */
  readonly isMissing: boolean;
  /** It could not be loaded: told by what was to show it. */
  readonly failed: () => void;
}

/** Where the browser loads a file of the server's from. When that fails, once more with a new token. */
export function useFileUrl(path: string): FileUrl {
  const { files } = useChat();
  const [address, setAddress] = useState(() => files.addressOf(path));
  const [isMissing, setMissing] = useState(false);
  const tries = useRef(0);
  const again = async (): Promise<void> => {
    const renewed = await files.renewedAddressOf(path).catch(() => address);
    if (renewed === address) setMissing(true);
    else setAddress(renewed);
  };
  const failed = (): void => {
    tries.current += 1;
    if (tries.current > 1) setMissing(true);
    else void again();
  };
  return { address, isMissing, failed };
}
