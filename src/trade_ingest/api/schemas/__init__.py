"""What requests take and answers give: pydantic models, from which the OpenAPI document is made."""
