"""The agents: registered ones, their versions, their text ids, the platform's answers."""
