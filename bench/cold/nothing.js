/** What the runtime itself takes. */
