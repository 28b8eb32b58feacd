import { useCreateUser } from "@portico/sdk/react";
import { toast } from "sonner";
import { Button } from "@/ui/button";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { PasswordField, SelectField, TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { oneOf, roles } from "./search";

/** Makes an account for somebody. */
export function CreateUser({ onClose }: { onClose: () => void }) {
  const creating = useCreateUser();
  return (
    <Dialog open onOpenChange={onClose} title="Create user">
      <Form
        label="Create user"
        onSubmit={async (values) => {
          const password = values.get("password");
          const user = await creating.mutateAsync({
            name: text(values, "name"),
            email: text(values, "email"),
            role: oneOf(roles, text(values, "role")) ?? "MEMBER",
            ...(typeof password === "string" && password !== "" && { password }),
          });
          toast.success(
            typeof password === "string" && password !== ""
              ? `${user.name} has an account now.`
              : `${user.name} has an account now, and a mail with a link to set the password.`,
          );
          onClose();
        }}
      >
        <TextField label="Name" name="name" autoComplete="off" maxLength={100} />
        <TextField
          label="Email"
          name="email"
          type="email"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        <SelectField label="Role" name="role" defaultValue="MEMBER">
          <option value="MEMBER">Member</option>
          <option value="ADMIN">Administrator</option>
        </SelectField>
        <PasswordField
          label="Password"
          name="password"
          autoComplete="new-password"
          hint="Leave it empty, and they get a mail with a link to choose one."
        />
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <SubmitButton>Create user</SubmitButton>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
