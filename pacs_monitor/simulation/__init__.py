"""Who would have been notified when: by a written timeline, or by the recorded one."""
