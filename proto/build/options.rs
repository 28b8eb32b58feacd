//! Reads options that extend descriptors.

use anyhow::{Context as _, bail};
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage as _, Value};

/// The message that the extension `name` holds in `options`, if it is there.
pub(crate) fn get(
    pool: &DescriptorPool,
    options: &DynamicMessage,
    name: &str,
) -> anyhow::Result<Option<DynamicMessage>> {
    let extension = pool
        .get_extension_by_name(name)
        .with_context(|| format!("{name} is not imported"))?;
    if !options.has_extension(&extension) {
        return Ok(None);
    }
    Ok(options.get_extension(&extension).as_message().cloned())
}

/// The name of the value of an enum field.
pub(crate) fn enum_name(message: &DynamicMessage, field: &str) -> anyhow::Result<String> {
    let descriptor = message
        .descriptor()
        .get_field_by_name(field)
        .with_context(|| format!("no field {field}"))?;
    let (kind, value) = (descriptor.kind(), message.get_field(&descriptor));
    let (Some(values), Some(number)) = (kind.as_enum(), value.as_enum_number()) else {
        bail!("{field} is no enum");
    };
    let value = values.get_value(number).context("unknown enum number")?;
    Ok(value.name().to_owned())
}

/// Whether a bool field is true.
pub(crate) fn flag(message: &DynamicMessage, field: &str) -> bool {
    matches!(
        message.get_field_by_name(field).as_deref(),
        Some(Value::Bool(true))
    )
}

/// The content of a string field.
pub(crate) fn text(message: &DynamicMessage, field: &str) -> String {
    match message.get_field_by_name(field).as_deref() {
        Some(Value::String(text)) => text.clone(),
        _ => String::new(),
    }
}
