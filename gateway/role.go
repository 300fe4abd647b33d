package gateway

import (
	"strings"

	"rapport"
)

// ScopesOf is the table of what each role may do. An admin has the scopes of an owner; what owners alone may do, which
// is to make, change and end owners, Agents asks for by name.
func ScopesOf(r rapport.AgentRole) []string {
	switch r {
	case rapport.Owner, rapport.Admin:
		return []string{"*"}
	case rapport.Member:
		return []string{"read:*", "write:customers", "write:files", "write:messages", "write:sandbox", "write:threads"}
	case rapport.Viewer:
		return []string{"read:*"}
	}
	return nil
}

// mayHandle tells whether by may make, change or end agents of a role: nobody gives what they do not have.
func mayHandle(by Caller, r rapport.AgentRole) error {
	if r == rapport.Owner && by.Role != rapport.Owner {
		return rapport.Errorf(rapport.CodeForbidden, "Only an owner can do this with an owner.")
	}
	for _, s := range ScopesOf(r) {
		if !Allows(by.Scopes, s) {
			return rapport.Errorf(rapport.CodeForbidden, "This needs the scope %s, which the role %s has.", s, r)
		}
	}
	return nil
}

// Self refuses a session that acts in somebody else's name. A key may act for any agent.
func (c Caller) Self(agent string) error {
	if c.Agent != 0 && agent != "" && !strings.EqualFold(agentName(agent), c.Name) {
		return rapport.Errorf(rapport.CodeForbidden, "You are signed in as another agent: leave agent out.")
	}
	return nil
}
