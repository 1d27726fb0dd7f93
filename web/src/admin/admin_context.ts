import { createContext, useContext } from "react";
import type { AdminApi } from "./admin_api";

interface AdminContextValue {
  readonly api: AdminApi;
  /** Shows the outcome of an action, and announces it to screen readers. */
  readonly say: (text: string) => void;
}

export const AdminContext = createContext<AdminContextValue | null>(null);

function useAdmin(): AdminContextValue {
  const value = useContext(AdminContext);
  if (value === null) throw new Error("no console around this component");
  return value;
}

export const useApi = (): AdminApi => useAdmin().api;

export const useSay = (): ((text: string) => void) => useAdmin().say;
